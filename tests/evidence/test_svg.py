"""An image only draws: what could load, run, or draw without end is refused."""

import contextlib
import io
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evidesk.evidence import Figure

from .chromium import a_tab
from .samples import SVG, a_plotted_figure, a_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
PNG = (
    "data:image/png;base64,\niVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQ"
    "AAAABJRU5ErkJggg=="
)


def svg(body: str, attributes: str = "", before: str = "") -> str:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'


def figure(image: str) -> Figure:
    return Figure("f", "F", image, "alt", a_table())


def xhtml(body: str) -> str:
    return svg(f'<x:div xmlns:x="http://www.w3.org/1999/xhtml">{body}</x:div>')


ASKING = "http://asked.example/x"
ELEMENT, ATTRIBUTE, REFERENCE = "the element", "the attribute", "a reference to"
STYLE, ESCAPE, RULE = "in a style or attribute is refused", "an escape", "an @-rule"

REFUSED = [
    # Elements.
    (svg("<script>alert(1)</script>"), ELEMENT),
    (svg("<SCRIPT/>"), ELEMENT),
    (svg('<s:script xmlns:s="http://www.w3.org/2000/svg"/>'), ELEMENT),
    (svg("<foreignObject/>"), ELEMENT),
    (svg('<a href="#a"><rect/></a>'), ELEMENT),
    (svg('<animate attributeName="href" values="x"/>'), ELEMENT),
    (svg('<set attributeName="href" to="x"/>'), ELEMENT),
    (svg(f'<filter id="f"><feImage href="{ASKING}"/></filter>'), ELEMENT),
    (svg('<mask id="m"/>'), ELEMENT),
    (svg("<metadata/>"), ELEMENT),
    (svg("<font-face/>"), ELEMENT),
    (svg("<unheardOf/>"), ELEMENT),
    (svg('<rect xmlns=""/>'), ELEMENT),
    (svg('<x:rect xmlns:x="http://www.w3.org/2000/svg rect"/>'), "not an SVG document"),
    # Elements of XHTML, which a browser obeys in an image that is opened by itself.
    (xhtml(f'<x:img srcset="{ASKING} 2x"/>'), ELEMENT),
    (xhtml(f'<x:img src="{ASKING}"/>'), ELEMENT),
    (xhtml(f'<x:video poster="{ASKING}"/>'), ELEMENT),
    (xhtml(f'<x:form action="{ASKING}"><x:input autofocus=""/></x:form>'), ELEMENT),
    (xhtml(f'<x:link rel="stylesheet" href="{ASKING}"/>'), ELEMENT),
    (xhtml(f'<x:meta http-equiv="refresh" content="0;url={ASKING}"/>'), ELEMENT),
    (xhtml(f'<x:iframe src="{ASKING}"/>'), ELEMENT),
    (svg(f'<image xmlns="http://www.w3.org/1999/xhtml" src="{ASKING}"/>'), ELEMENT),
    # Attributes.
    (svg('<rect onclick="x()"/>'), ATTRIBUTE),
    (svg("", 'onload="x()"'), ATTRIBUTE),
    (svg(f'<use xml:base="{ASKING}" href="#a"/>'), ATTRIBUTE),
    (svg(f'<image src="{ASKING}"/>'), ATTRIBUTE),
    (svg('<rect class="a"/>'), ATTRIBUTE),
    (svg(f'<rect mask="url({ASKING}#m)"/>'), ATTRIBUTE),
    (svg(f'<rect cursor="url({ASKING}), auto"/>'), ATTRIBUTE),
    # References.
    (svg(f'<image href="{ASKING}"/>'), REFERENCE),
    (svg(f'<image xlink:href="{ASKING}"/>', XLINK), REFERENCE),
    (svg(f'<image x:href="{ASKING}"/>', XLINK.replace("xlink=", "x=")), REFERENCE),
    (svg('<image href="//asked.example/x"/>'), REFERENCE),
    (svg('<image href="x.png"/>'), REFERENCE),
    (svg('<image href=""/>'), REFERENCE),
    (svg(f'<image href="data:image/svg+xml,{ASKING}"/>'), REFERENCE),
    (svg('<image href="data:image/png,%89PNG"/>'), REFERENCE),
    (svg(f'<use href="{ASKING}#a"/>'), REFERENCE),
    (svg(f'<use href="{PNG}"/>'), REFERENCE),
    (svg(f'<linearGradient href="{ASKING}#a"/>'), REFERENCE),
    (svg('<image href=" javascript:x()"/>'), REFERENCE),
    # Styles.
    (svg(f"<rect fill=\"url('{ASKING}#a')\"/>"), STYLE),
    (svg(f'<rect fill="url({ASKING}#a)"/>'), STYLE),
    (svg(f'<rect filter="url({ASKING}#a)"/>'), STYLE),
    (svg(f'<rect clip-path="url({ASKING}#a)"/>'), STYLE),
    (svg("<rect style=\"fill:URL( '//asked.example')\"/>"), STYLE),
    (svg('<rect style="fill:url(x.svg#a)"/>'), STYLE),
    (svg(f'<rect style="fill:url(&#35;a) url({ASKING})"/>'), STYLE),
    (svg(f'<rect style="fill:url(#a{ASKING}"/>'), STYLE),
    (svg(f'<rect style="fill:url(\'#a&quot;) url({ASKING})"/>'), STYLE),
    (svg(f"<rect style=\"background:image-set('{ASKING}' 1x)\"/>"), STYLE),
    (svg(f"<rect style=\"background:-webkit-image-set('{ASKING}' 1x)\"/>"), STYLE),
    (svg(f"<rect style=\"background:image('{ASKING}')\"/>"), STYLE),
    (svg(f"<rect style=\"background:src('{ASKING}')\"/>"), STYLE),
    (svg(f'<rect style="cursor:url({ASKING}),auto"/>'), STYLE),
    (svg('<rect style="width:expression(alert(1))"/>'), STYLE),
    (svg(f"<style>svg{{background:url({ASKING})}}</style>"), STYLE),
    (svg(f"<style>svg{{background:u<!-- -->rl({ASKING})}}</style>"), STYLE),
    (svg(f"<style>svg{{background:u<![CDATA[rl({ASKING})]]>}}</style>"), STYLE),
    (svg(f"<style>svg{{background:&#117;rl({ASKING})}}</style>"), STYLE),
    (svg(f"<style>svg{{background:image-set('{ASKING}' 1x)}}</style>"), STYLE),
    (svg(f"<style>@import url({ASKING});</style>"), RULE),
    (svg(f"<style>@import '{ASKING}';</style>"), RULE),
    (svg(f"<style>@<!-- -->import '{ASKING}';</style>"), RULE),
    (svg(f"<style><![CDATA[@imp]]>ort '{ASKING}';</style>"), RULE),
    (svg(f"<style>@font-face{{font-family:a;src:url({ASKING})}}</style>"), RULE),
    (svg(f"<style><g/>@import url({ASKING});</style>"), "the element 'g' in a style is refused"),
    (svg(f"<style><a/>@import url({ASKING});</style>"), ELEMENT),
    (svg("<style>a{b:u\\72l(x)}</style>"), ESCAPE),
    (svg('<rect style="fill:u\\72l(x)"/>'), ESCAPE),
    # What stands before the image.
    (svg("", before=f'<?xml-stylesheet href="{ASKING}" type="text/css"?>'), "xml-stylesheet"),
    (svg("<?php x ?>"), "the processing instruction 'php' is refused"),
    (svg("", before='<!DOCTYPE svg [<!ENTITY a "b">]>'), "a document type is refused"),
    (svg("", before=f'<!DOCTYPE svg SYSTEM "{ASKING}">'), "a document type is refused"),
    (svg("", before='<?xml version="1.0" encoding="Shift_JIS"?>'), "the encoding 'Shift_JIS'"),
    # What never ends.
    (svg("<g>" * 100 + "</g>" * 100), "more than 100 elements in one another"),
    (
        svg('<g id="a"><rect/></g><g id="b"><use href="#a"/><use href="#a"/></g><use href="#b"/>'),
        "what is drawn again, 'b', draws something again",
    ),
    (svg('<g id="a"><use href="#a"/></g>'), "what is drawn again, 'a', draws"),
    # What is no image.
    (svg("<rect>"), "not an SVG document: mismatched tag"),
    (svg("&a;"), "not an SVG document: undefined entity"),
    (svg("<svg:rect/>"), "not an SVG document: unbound prefix"),
    ("<svg><rect/></svg>", "not an SVG document: its root is 'svg'"),
    ("<html/>", "not an SVG document: its root is 'html'"),
    ('<rect xmlns="http://www.w3.org/2000/svg"/>', "not an SVG document: its root is"),
    ("", "not an SVG document"),
]

ACCEPTED = {
    "with a declaration": SVG,
    "with its own parts": svg(
        '<defs><path id="b" d="M0 0L1 1"/><clipPath id="c"><rect width="9" height="9"/></clipPath>'
        '</defs><style>rect{fill:url("#a")}/* note */</style><use href="#b"/><use xlink:href="#b"/>'
        '<rect clip-path="url(#c)" style="fill: url( \'#a\' ); stroke: rgb(1,2,3)"/>',
        XLINK,
    ),
    "with pixels": svg(f'<image href="{PNG}" width="1" height="1"/>'),
    "with text about addresses": svg(f"<title>url({ASKING})</title><text>@import \\ ()</text>"),
    "with names as they come": svg('<g id="f(x)@\\"/><!-- url(x) --><rect transform="skewX(3)"/>'),
    "as deep as may be": svg("<g>" * 99 + "</g>" * 99),
}


@pytest.mark.parametrize(("image", "complaint"), REFUSED)
def test_an_image_that_could_do_more_than_draw_is_refused(image: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="the image of figure 'f': ") as error:
        figure(image)
    assert complaint in str(error.value)


@pytest.mark.parametrize("image", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_an_image_that_only_draws_is_accepted(image: str) -> None:
    assert figure(image).svg == image


def busy_plot() -> "MatplotlibFigure":
    """A plot with all that Matplotlib's SVG can hold."""
    import matplotlib.pyplot as plt
    import numpy as np

    numbers = np.linspace(0, 1, 25).reshape(5, 5)
    fig, axes = plt.subplots(2, 4)
    (lines, bars, pixels, smooth), (dots, levels, pie, errors) = axes
    lines.plot([1, 2, 3], "o--", label=r"$\frac{a}{b}$ @ url(x)")
    lines.legend(title="héllo ✓")
    lines.set_yscale("log")
    bars.bar([1, 2], [3, 4], hatch="//", alpha=0.5, gid="bars(1)")
    fig.colorbar(pixels.imshow(numbers), ax=pixels)
    smooth.pcolormesh(numbers, shading="gouraud")
    dots.scatter(numbers, numbers.T, c=numbers, s=100 * numbers)
    levels.contourf(numbers)
    pie.pie([1, 2], shadow=True)
    errors.errorbar([1, 2], [1, 2], yerr=0.1)
    errors.fill_between([1, 2], [1, 2], alpha=0.3)
    errors.text(1, 1, "two\nlines", rotation=30, ha="center")
    return fig


def letters_as_paths() -> str:
    return Figure.from_matplotlib(busy_plot(), name="f", title="F", alt="All.", data=a_table()).svg


def letters_as_text() -> str:
    """What others can make of Matplotlib, who want small files."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    fig, target = busy_plot(), io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        fig.savefig(
            target, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    plt.close(fig)
    return re.sub("<!DOCTYPE[^>]*>", "", target.getvalue())


def test_all_that_matplotlib_draws_is_accepted() -> None:
    paths, text = letters_as_paths(), letters_as_text()
    assert figure(text).svg == text
    elements = set(re.findall(r"<(\w+)", paths + text))
    assert elements >= {"clipPath", "feComposite", "image", "linearGradient", "pattern", "tspan"}


def test_an_image_that_links_elsewhere_is_refused_with_a_word_that_helps() -> None:
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    ax.scatter([1], [1]).set_urls([ASKING])
    with pytest.raises(ValueError, match="the element 'a' is refused"):
        Figure.from_matplotlib(fig, name="f", title="F", alt="alt", data=a_table())
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "image",
    [
        svg(f'<path d="{"a" * 2_000_000}"/>'),
        svg(f'<path style="{"url(" * 200_000}"/>'),
        svg(f'<path style="{"url(#a) " * 100_000}"/>'),
        svg(f'<path style="url({" " * 500_000}"/>'),
        svg("<style>" + "<!-- -->a" * 200_000 + "</style>"),
    ],
    ids=["a word", "functions", "references", "spaces", "pieces"],
)
def test_a_large_image_is_checked_in_time_that_grows_as_it_does(image: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ValueError):
        figure(image)
    assert time.process_time() - started < 2


@pytest.mark.browser
def test_no_image_that_asks_a_server_in_a_real_browser_is_accepted(tmp_path: Path) -> None:
    images = [image for image, _ in REFUSED if "asked.example" in image]
    accepted = [*ACCEPTED.values(), letters_as_paths(), letters_as_text(), a_plotted_figure().svg]
    asking = set()
    with a_tab() as tab:
        tab.context.route("http://**", lambda route: route.abort())
        for number, image in enumerate(images + accepted):
            path = tmp_path / f"{number}.svg"
            path.write_text(image)
            requests: list[str] = []
            page = tab.context.new_page()  # the last one may have gone elsewhere by itself
            page.on("request", lambda request, urls=requests: urls.append(request.url))
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_timeout(50)
            page.close()
            if any(url.startswith("http:") for url in requests):
                asking.add(image)
    assert not asking & set(accepted)
    assert len(asking) > 10  # the browser does ask, so the refusals are worth something


@pytest.mark.browser
def test_accepted_images_show_in_a_real_browser(tmp_path: Path) -> None:
    (tmp_path / "blank.html").write_text("<!DOCTYPE html><title>blank</title>")
    with a_tab() as tab:
        complaints: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.goto((tmp_path / "blank.html").as_uri())
        for image in [SVG, letters_as_paths(), letters_as_text(), a_plotted_figure().svg]:
            (tmp_path / "image.svg").write_text(image)
            width = tab.evaluate(
                """async address => {
                    const image = new Image();
                    image.src = address;
                    await image.decode();
                    return image.naturalWidth;
                }""",
                (tmp_path / "image.svg").as_uri() + f"?{len(image)}",
            )
            assert width > 0
        assert complaints == []
