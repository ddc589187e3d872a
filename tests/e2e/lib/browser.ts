/** Chromium, as a user of the console sees it. */
import { mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import puppeteer, { type Browser, type ElementHandle, type Page } from "puppeteer-core";
import { requireProgram } from "./programs.ts";

export const BROWSER_PROGRAM = "chromium";
/** Screenshots are kept in the folder that it names. */
const SCREENSHOTS = "DAMSELFLY_SCREENSHOTS";
const FIELD_ROLES = ["textbox", "searchbox", "combobox", "spinbutton"];
const WAIT_TIMEOUT_MS = 30_000;

/** What must not happen on any page. */
export interface Complaints {
  /** Errors of scripts, refusals by the page's policy, requests to other hosts; empty when all is well. */
  readonly lines: string[];
}

/** A window of the browser on one site. */
export interface Window {
  readonly page: Page;
  readonly complaints: Complaints;
  /** Goes to a page of the site, and waits until it asks for nothing more. */
  open(path: string): Promise<void>;
  /** Goes to a page of the site; the milliseconds until it shows a text, by the browser's clock. */
  reaches(path: string, text: string): Promise<number>;
  /** Waits until the page shows a text. */
  sees(text: string): Promise<void>;
  /** Clicks on the button, link or option of this name. */
  click(role: "button" | "link" | "option" | "checkbox" | "radio" | "menuitem", name: string): Promise<void>;
  /** Types into the field with this label, in place of what is there. */
  fill(label: string, text: string): Promise<void>;
  /** What axe finds serious or critical, a line each. */
  faults(): Promise<string[]>;
  /** Keeps a picture of the page, where somebody has said where to. */
  picture(name: string): Promise<void>;
}

/** Starts the browser; it keeps nothing of what it has seen. */
export async function startBrowser(dir: string): Promise<Browser & AsyncDisposable> {
  const browser = await puppeteer.launch({
    executablePath: requireProgram(BROWSER_PROGRAM),
    userDataDir: join(dir, "browser"),
    // In a container there is mostly neither a sandbox nor a shared memory of some size.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US"],
  });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}

/** Opens a window on the site at `origin`. */
export async function openWindow(browser: Browser, origin: string): Promise<Window> {
  const page = await browser.newPage();
  page.setDefaultTimeout(WAIT_TIMEOUT_MS);
  // What still moves is not hit by a click.
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  const complaints: Complaints = { lines: [] };
  page.on("pageerror", (error) => complaints.lines.push(`script: ${error}`));
  page.on("console", (message) => {
    // A refusal of the API is told in the page; the browser logs it besides.
    const isRefusal = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefusal) complaints.lines.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) complaints.lines.push(`request: ${url}`);
  });
  const found = async (selector: string): Promise<ElementHandle> => {
    try {
      return await page.waitForSelector(selector, { visible: true }) as ElementHandle;
    } catch (cause) {
      throw new Error(`Cannot find ${selector} at ${page.url()}, which shows: ${await shownBy(page)}`, { cause });
    }
  };
  return {
    ...{ page, complaints },
    open: async (path) => void await page.goto(origin + path, { waitUntil: "networkidle0", timeout: WAIT_TIMEOUT_MS }),
    async reaches(path, text) {
      await page.goto(origin + path, { waitUntil: "domcontentloaded", timeout: WAIT_TIMEOUT_MS });
      const shown = `document.body.innerText.includes(${JSON.stringify(text)}) && performance.now()`;
      return Number(await (await page.waitForFunction(shown)).jsonValue());
    },
    async sees(text) {
      try {
        await page.waitForFunction(`document.body.innerText.includes(${JSON.stringify(text)})`);
      } catch (cause) {
        throw new Error(`Cannot see "${text}" at ${page.url()}, which shows: ${await shownBy(page)}`, { cause });
      }
    },
    click: async (role, name) => await (await found(`::-p-aria([name="${name}"][role="${role}"])`)).click(),
    async fill(label, text) {
      // Not the label itself, which has the same name.
      const field = await found(FIELD_ROLES.map((role) => `::-p-aria([name="${label}"][role="${role}"])`).join(", "));
      await field.focus();
      await page.keyboard.down("Control");
      await page.keyboard.press("a");
      await page.keyboard.up("Control");
      await page.keyboard.press("Backspace");
      await field.type(text);
    },
    faults: () => faultsOf(page),
    picture: (name) => keepPicture(page, name),
  };
}

async function shownBy(page: Page): Promise<string> {
  return String(await page.evaluate("document.body.innerText")).replaceAll(/\s+/g, " ");
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

async function faultsOf(page: Page): Promise<string[]> {
  // By the debugger, as the policy of the page lets no other script in.
  const source = await readFile(fileURLToPath(import.meta.resolve("axe-core")), "utf8");
  await page.evaluate(source);
  const { violations } = await page.evaluate("axe.run()") as AxeResult;
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

async function keepPicture(page: Page, name: string): Promise<void> {
  const dir = Deno.env.get(SCREENSHOTS);
  if (dir === undefined) return;
  await mkdir(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`), fullPage: true });
}
