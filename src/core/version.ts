/** The release this code belongs to; `--version` of every command prints it. */
export const VERSION = "0.1.0";
