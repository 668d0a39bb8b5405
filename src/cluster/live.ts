import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import { admit } from './admit.ts'
import type { Feed } from './feed.ts'
import { sendPage } from './page.ts'
import { admitPage, admitViewer, noSession, sessionCookie } from './session.ts'

type Visit = (req: IncomingMessage, res: ServerResponse) => void

/**
 * The routes of the live page: `/`, its files under `/page/`, `/live`, and `/session`, where a browser changes the admin
 * token for a cookie. Gives what serves a path, by method; undefined where the path is none of these.
 */
export function livePage(feed: Feed, token: () => string | undefined) {
  const file =
    (name: string): Visit =>
    (req, res) => {
      admitPage(req, token())
      sendPage(res, name)
    }
  const routes: Readonly<Record<string, Readonly<Record<string, Visit>>>> = {
    '/': { GET: file('page.html') },
    '/live': { GET: look },
    '/session': { POST: signIn, DELETE: signOut },
  }

  function look(req: IncomingMessage, res: ServerResponse): void {
    admitViewer(req, token())
    feed.add(res, () => passes(() => admitViewer(req, token())))
  }

  function signIn(req: IncomingMessage, res: ServerResponse): void {
    const secret = token()
    admit(req, secret)
    res.writeHead(204, secret === undefined ? {} : { 'set-cookie': sessionCookie(secret) }).end()
  }

  function signOut(req: IncomingMessage, res: ServerResponse): void {
    admitViewer(req, token())
    res.writeHead(204, { 'set-cookie': noSession }).end()
  }

  return (path: string): Readonly<Record<string, Visit>> | undefined =>
    path.startsWith('/page/') ? { GET: file(path.slice('/page/'.length)) } : routes[path]
}

function passes(check: () => void): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof ProxyError) return false
    throw error
  }
}
