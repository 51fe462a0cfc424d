"""A person who has only a keyboard: moves the focus with Tab, sees where it is, and activates what has it."""

from playwright.sync_api import Page

MAX_STEPS = 150
_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const ring = (each) => {
    const style = getComputedStyle(each);
    return each.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  const box = one.getBoundingClientRect();
  return {
    name: `${one.tagName.toLowerCase()} ${(one.innerText || one.name || one.id || "").trim().slice(0, 40)}`,
    visible: ring(one) && box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


class Keyboard:
    """The keyboard of one page. Each element that gets the focus must show it, inside the window."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, selector: str) -> "Keyboard":
        """Press Tab until an element that matches has the focus. Fails if the focus comes to no such element."""
        seen: list[str] = []
        for _ in range(MAX_STEPS):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(_FOCUS)
            if focus is None:
                continue
            assert focus["visible"], f"the focus is not visible on {focus['name']}"
            if self.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return self
            seen.append(focus["name"])
        raise AssertionError(f"Tab does not reach {selector}; it reaches {seen}")

    def press(self, key: str) -> "Keyboard":
        """Press a key, such as Enter, Space or ArrowDown."""
        self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> "Keyboard":
        """Type a text into the field that has the focus."""
        self.page.keyboard.insert_text(text)
        return self

    def follow(self, selector: str) -> "Keyboard":
        """Go to a link or button and press Enter; wait for the page that it opens."""
        self.to(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self

    def expect(self, text: str) -> "Keyboard":
        """Fail unless the text is displayed."""
        displayed = " ".join(self.page.locator("body").inner_text().split())
        assert " ".join(text.split()) in displayed, f"{text!r} is not in {displayed[:2_000]!r}"
        return self
