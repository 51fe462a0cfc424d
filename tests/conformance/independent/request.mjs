// What a request says: its language, the id in its address, and which parameter it may have meant.
import { fault } from './verdict.mjs'

export function language({ headers }) {
  const asked = (headers['accept-language'] ?? '').split(',').map((one) => one.trim().split(/\s*;\s*q=/i))
  const named = (tag) => asked.filter(([name]) => name.toLowerCase().split('-')[0] === tag)
  const rank = (tag) => Math.max(0, ...named(tag).map(([, quality]) => Number(quality ?? 1)))
  return rank('en') > rank('fr') ? 'en' : 'fr'
}
export function decoded(match) {
  try { return match && decodeURIComponent(match) } catch { throw fault('id-in-path', { actual: match }) }
}
export function near(name, known) {
  const foreign = (one) => [...one].filter((letter) => !name.includes(letter)).length
  const distance = (one) => foreign(one) + Math.abs(one.length - name.length)
  return Object.keys(known).sort((one, other) => distance(one) - distance(other)).join(', ')
}
