"""What German dates look like here; what Django has already is not repeated."""

DATETIME_FORMAT = "j. F Y, H:i"
SHORT_DATETIME_FORMAT = "d.m.Y, H:i"
SHORT_MONTH_DAY_FORMAT = "d.m."
WEEKDAY_FORMAT = "D, j. F"
# A browser's own date field sends and takes ISO dates in every language, so these come first.
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y"]
DATETIME_INPUT_FORMATS = [
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M",
]
