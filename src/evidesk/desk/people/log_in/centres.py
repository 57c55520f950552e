"""The home organisations whose staff may use the desk, by the domain that the provider vouches for.

The default is the Helmholtz Association's; `EVIDESK_OIDC_HOMES` replaces it.
"""

HELMHOLTZ = {
    "awi.de": "AWI",
    "cispa.de": "CISPA",
    "desy.de": "DESY",
    "dkfz.de": "DKFZ",
    "dkfz-heidelberg.de": "DKFZ",
    "dlr.de": "DLR",
    "dzne.de": "DZNE",
    "fz-juelich.de": "FZJ",
    "geomar.de": "GEOMAR",
    "gfz.de": "GFZ",
    "gfz-potsdam.de": "GFZ",
    "gsi.de": "GSI",
    "helmholtz.de": "Helmholtz",
    "helmholtz-berlin.de": "HZB",
    "helmholtz-hzi.de": "HZI",
    "helmholtz-munich.de": "HMGU",
    "helmholtz-muenchen.de": "HMGU",
    "hereon.de": "Hereon",
    "hzdr.de": "HZDR",
    "ipp.mpg.de": "IPP",
    "kit.edu": "KIT",
    "mdc-berlin.de": "MDC",
    "ufz.de": "UFZ",
}

#: In place of a list of homes: everybody whom the provider authenticates.
EVERYBODY = "*"


def parse(text: str) -> dict[str, str]:
    """`kit.edu=KIT, hzdr.de=HZDR` as a table; `*` stays alone, and stands for everybody.

    Raises
    ------
    ValueError : with the part that cannot be read.
    """
    homes = {}
    for part in text.split(","):
        domain, _, name = (word.strip() for word in part.partition("="))
        if bool(domain and name) == (domain == EVERYBODY):
            raise ValueError(part.strip())
        homes[domain.lower()] = name
    return homes
