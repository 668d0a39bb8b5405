/**
 * What Node's own `fetch` asks where to go; undici's documents call it the global dispatcher.
 *
 * undici 8 puts its own there as soon as it is loaded. In the program that does no harm, but whoever embeds the proxy
 * may have set one, for a forward proxy or for tests, and would lose it by an import. So this module must be evaluated
 * before undici is, and `restoreFetch` called after.
 */
const dispatcher = Symbol.for('undici.globalDispatcher.1')

const before: unknown = Reflect.get(globalThis, dispatcher)

/** Gives the process back what it had. With nothing there, Node makes its own at the first `fetch`. */
export function restoreFetch(): void {
  Reflect.set(globalThis, dispatcher, before)
}
