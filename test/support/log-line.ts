/**
 * Reads a line of the log. JSON.parse takes the last of two members with one name, and whatever collects the logs may
 * take the first, or refuse the line: here such a line is a failure.
 */
export function readLogLine(text: string): Record<string, unknown> {
  const line: Record<string, unknown> = JSON.parse(text)
  if (JSON.stringify(line) !== text)
    throw new Error(`this line says something twice, or is not as JSON is written: ${text}`)
  return line
}
