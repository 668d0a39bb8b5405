import { write } from './table.ts'
import type { Words } from './words.ts'

/** Remembered beside the cookie, which no script can see. */
const signedIn = 'openai-proxy-signed-in'

/** Asks for the admin token; resolves when the program has taken it, and the browser has the cookie. */
export function askForToken(form: HTMLFormElement, words: Words): Promise<void> {
  const input = form.querySelector('input')
  const wrong = form.querySelector('#wrong')
  form.hidden = false
  input?.focus()
  return new Promise((resolve) => {
    form.onsubmit = async (submission) => {
      submission.preventDefault()
      const trouble = await offer(input?.value.trim() ?? '', words)
      if (wrong) write(wrong, trouble ?? '')
      if (trouble !== undefined) return
      form.reset()
      form.hidden = true
      localStorage.setItem(signedIn, 'yes')
      resolve()
    }
  })
}

/** In a header, as every other client sends it: in an address it would stay in histories and logs. */
async function offer(token: string, words: Words): Promise<string | undefined> {
  try {
    const answer = await fetch('session', { method: 'POST', headers: { authorization: `Bearer ${token}` } })
    return answer.ok ? undefined : words.wrongToken
  } catch (error) {
    // A character that no header can carry is in no token either.
    return error instanceof TypeError && !/^[\x21-\x7e]*$/.test(token) ? words.wrongToken : words.noAnswer
  }
}

/** Shows the button where there is a session to end. */
export function offerSignOut(button: HTMLElement): void {
  button.hidden = localStorage.getItem(signedIn) === null
  button.onclick = async () => {
    localStorage.removeItem(signedIn)
    await fetch('session', { method: 'DELETE' })
    location.reload()
  }
}
