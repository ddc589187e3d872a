/** Looks at pages of the console as their users do: in each language, wide and narrow, light and dark. */
import assert from "node:assert/strict";
import type { Window } from "./browser.ts";

/** A page, with something on it that shows that it is there, in both languages. */
export type Shown = readonly [path: string, en: string, zh: string];

/** How pages are looked at. */
export interface Manner {
  readonly language: "en" | "zh";
  readonly width: number;
  readonly colors: "light" | "dark";
}

/** Both languages, two widths, and each of the two color schemes in one of each. */
export const MANNERS: readonly Manner[] = [
  { language: "en", width: 390, colors: "light" },
  { language: "en", width: 1280, colors: "dark" },
  { language: "zh", width: 390, colors: "dark" },
  { language: "zh", width: 1280, colors: "light" },
];

/** A manner in words. */
export function nameOf({ language, width, colors }: Manner): string {
  return `in ${language}, ${width} pixels wide and ${colors}`;
}

/** Looks at every page in one manner: axe finds nothing serious, and nothing is out of sight. */
export async function lookAt(
  window: Window,
  pages: readonly Shown[],
  { language, width, colors }: Manner,
): Promise<void> {
  await window.page.setViewport({ width, height: 900 });
  await window.page.evaluate(
    `localStorage.setItem("damselfly-language", "${language}");
     localStorage.setItem("mantine-color-scheme-value", "${colors}");`,
  );
  const faults: string[] = [];
  for (const [path, en, zh] of pages) {
    await window.open(path);
    await window.sees(language === "en" ? en : zh);
    await window.picture(`${path.replaceAll(/[^a-z0-9]+/g, "-")}-${language}-${width}-${colors}`);
    faults.push(...(await window.faults()).map((fault) => `${path}: ${fault}`));
    const overflow = await window.page.evaluate("document.documentElement.scrollWidth - innerWidth") as number;
    if (overflow > 0) faults.push(`${path}: ${overflow} pixels are out of sight on the right`);
  }
  assert.deepEqual(faults, []);
}

/** What a page costs whoever has not been there before: bytes over the network, and milliseconds until it shows a text. */
export async function costOf(
  window: Window,
  path: string,
  text: string,
): Promise<{ readonly bytes: number; readonly ms: number }> {
  const session = await window.page.createCDPSession();
  await session.send("Network.enable");
  await session.send("Network.clearBrowserCache");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => bytes += encodedDataLength);
  const ms = await window.reaches(path, text);
  await session.detach();
  return { bytes, ms };
}
