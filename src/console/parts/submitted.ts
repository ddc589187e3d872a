import type { FormEvent } from "react";

/** Handles a form that the browser has found complete: with its texts, by the names of the inputs. */
export function submitted(handle: (values: Record<string, string>) => void) {
  return (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const texts = [...new FormData(event.currentTarget)].filter((entry): entry is [string, string] => {
      return typeof entry[1] === "string";
    });
    handle(Object.fromEntries(texts));
  };
}
