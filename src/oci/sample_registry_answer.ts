/** An answer before it is put on the wire. */
export class Answer {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly body: Uint8Array<ArrayBuffer> = new Uint8Array(),
  ) {}
}

/** An error answer of the distribution API. */
export function errorAnswer(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = new TextEncoder().encode(JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));
  return new Answer(status, { "content-type": "application/json", ...headers }, body);
}
