"""The desk: where a scientist asks and is answered. A Django project."""
