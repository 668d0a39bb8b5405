const kept = 'openai-proxy-theme'

/** Lets the button choose between light and dark; until it is used, the system's choice holds. `changed` repaints. */
export function createTheme(button: HTMLElement, changed: () => void): void {
  const root = document.documentElement
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const chosen = localStorage.getItem(kept)
  if (chosen !== null) root.dataset.theme = chosen
  dark.addEventListener('change', changed)
  button.addEventListener('click', () => {
    const now = root.dataset.theme ?? (dark.matches ? 'dark' : 'light')
    root.dataset.theme = now === 'dark' ? 'light' : 'dark'
    localStorage.setItem(kept, root.dataset.theme)
    changed()
  })
}
