import { Destinations } from "../http/destination.ts";
import { type Net } from "../runtime/net.ts";
import { realNet } from "../runtime/real_net.ts";

/** Where requesters may go, as a peer has it whose configuration names the origins of `isConfigured`. */
export function testDestinations(
  isConfigured: (origin: string) => boolean = () => false,
  net: Pick<Net, "resolve"> = realNet(),
): Destinations {
  return new Destinations(net, { isConfigured, key: "proxy.registryMirror.upstreams" });
}
