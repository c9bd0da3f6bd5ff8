"""A page as a browser reads it: its elements, in order, and its text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    form: int = 0
    text: str = field(default="", repr=False)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.forms = 0
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.forms += tag == "form"
        self.elements.append(Element(tag, dict(attrs), self.forms))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1].tag == "style":
            self.elements[-1].text += data
        else:
            self._words.append(data)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [
            e
            for e in self.elements
            if e.tag == tag
            and attributes.items() <= {k: v or "" for k, v in e.attributes.items()}.items()
        ]
