/** The release this code belongs to; `--version` of every command prints it. */
export const VERSION = "0.1.0";

/** By this, as `Server`, the mirror tells what it is to whoever asks for what it does not serve. */
export const SERVER_NAME = `damselfly/${VERSION}`;

/**
 * What a host of ours says that it was built for (`Host.build.platform`). Schedulers pass it on, so that others know:
 * this peer gives pieces in whatever cut it is asked for, and takes over the cut of a swarm that has another.
 */
export const BUILD_PLATFORM = "damselfly";
