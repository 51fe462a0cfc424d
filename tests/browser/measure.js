// Unfolds the page and measures it: width, displayed languages, texts, faint texts.
() => {
const page = document;
for (const one of page.querySelectorAll("details")) one.open = true;
const style = (one) => page.defaultView.getComputedStyle(one);

function rgba(text) {
  const numbers = text.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
  const scale = text.startsWith("color") ? 255 : 1;
  return [...numbers.slice(0, 3).map((one) => one * scale), numbers[3] ?? 1];
}

function over(top, below) {
  return [...[0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])), 1];
}

function behind(one) {
  return one === null ? [255, 255, 255, 1] : over(rgba(style(one).backgroundColor), behind(one.parentElement));
}

function luminance(color) {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const [red, green, blue] = color.slice(0, 3).map((part) => linear(part / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one) {
  const background = behind(one);
  const [low, high] = [background, over(rgba(style(one).color), background)].map(luminance).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const hasText = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const displayed = [...page.body.querySelectorAll("*")].filter((one) => one.checkVisibility() && hasText(one));
const languages = [...page.querySelectorAll("main [lang]")].filter((one) => one.checkVisibility());

return {
  width: page.documentElement.scrollWidth,
  languages: [...new Set(languages.map((one) => one.lang))],
  texts: displayed.length,
  faint: displayed.filter((one) => contrast(one) < 4.5).map((one) => one.outerHTML.slice(0, 80)),
};
}
