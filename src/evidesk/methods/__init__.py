"""The toolbox: methods that take arrays and answer with estimates; one package per question."""
