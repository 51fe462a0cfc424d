// Personal data and invisible signs in texts. Written from docs/protocol.md (OFR-011, OFR-034) alone.
const form = (flags, ...parts) => new RegExp(parts.map((part) => part.source ?? part).join(''), flags)
const UNITS = 'un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize'
const SPELLED = `${UNITS} vingt vingts trente quarante cinquante soixante cent et zéro`.replaceAll(' ', '|')
const START = /(?<![\w-]|\b(?:salles|chambres|départements|numéros) )/
const [PAIRS, DOT] = [/[1-9]([\s.·•-]*)\d{2}(?:\1\d{2}){3}/, /(?:\.|\bpoint\b)/]
const PREFIX = /(?:(?:\+|00)\s?33[\s.·•()-]*(?:\(0\)|0)?[\s.·-]*|0)/
const AT = /(?:@|%40|[([]\s*(?:at|arobase)\s*[)\]]|\barobase\b)/
const MAIL = form('giu', /[\w.+-]+\s*/, AT, /\s*[\w-]+/, '(?:\\s?', DOT, '\\s?[\\w-]+)*\\s?', DOT, /\s?[a-z]{2,}/)
const OTHER = /|\(?0[1-9]\)?([\s/_])\d{2}(?:\2\d{2}){3}|33[1-9]\d{8}/
export const PHONE = form('gu', START, '(?:', PREFIX, PAIRS, OTHER, ')', /(?![\d-])/)
const FOREIGN = /(?:\+|(?<![\w-])00(?!0))(?!33)\d{1,3}(?:[\s.()-]*\d){7,12}(?!\d)/gu
const SPOKEN = form('giu', /zéro[\s-]+/, `(?:(?:${SPELLED})[\\s-]*){5,}`)
const BEFORE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Emoji_Component}\p{Script=Arabic}\p{Script=Devanagari}]/u
const JOINERS = /[\u200C\u200D\uFE00-\uFE0F]/
const INVISIBLE = form('gu', '(?<=', BEFORE, ')', JOINERS, /|\p{Default_Ignorable_Code_Point}/u)
const JOINED = /[\p{Extended_Pictographic}\p{Script=Arabic}\p{Script=Devanagari}\u200D\uFE0F]$/u
const kept = (sign, before) => (before && JOINERS.test(sign) && JOINED.test(before) ? sign : '')
export const visible = (text) => text.replace(INVISIBLE, (sign, place) => kept(sign, text.slice(0, place)))
export function redact(text) {
  const plain = [MAIL, PHONE, FOREIGN, SPOKEN].reduce((left, one) => left.replace(one, '[…]'), text.normalize('NFKC'))
  return plain.includes('[…]') ? plain : text
}
