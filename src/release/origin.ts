import { runTool } from "./run_tool.ts";

/** What a build is made of: it decides every byte of it, and no clock does. */
export interface Origin {
  /** The commit, with a plus behind it where the checkout differs; undefined outside of a repository. */
  readonly commit: string | undefined;
  /** Seconds since 1970 that everything in the build is dated to. */
  readonly time: number;
}

const COMMIT_LENGTH = 12;

/**
 * What the checkout is of. `DAMSELFLY_COMMIT` and `SOURCE_DATE_EPOCH` say it where there is no repository, as in the
 * build of an image.
 */
export async function originOf(top: string, env: (name: string) => string | undefined): Promise<Origin> {
  const git = (...args: string[]) => runTool("git", args, top).catch(() => undefined);
  const commit = env("DAMSELFLY_COMMIT") || await commitOf(git);
  const time = Number(env("SOURCE_DATE_EPOCH") || await git("log", "-1", "--format=%ct"));
  return { commit, time: Number.isSafeInteger(time) && time > 0 ? time : 0 };
}

async function commitOf(git: (...args: string[]) => Promise<string | undefined>): Promise<string | undefined> {
  const commit = await git("rev-parse", `--short=${COMMIT_LENGTH}`, "HEAD");
  const changes = await git("status", "--porcelain");
  return commit === undefined || changes === "" ? commit : `${commit}+`;
}
