import type { ReactNode } from "react";
import { useText } from "../text/use_text.tsx";
import { SOURCE_Y, WIDTH } from "./layout.ts";

/** A picture with the source at its top; it scrolls by itself where the window is narrow. `label` tells what it shows. */
export function Canvas(
  { height, label, children }: { readonly height: number; readonly label: string; readonly children: ReactNode },
) {
  const { swarm } = useText();
  return (
    <div className="wide" role="region" aria-label={swarm.picture} tabIndex={0}>
      <svg className="swarm" viewBox={`0 0 ${WIDTH} ${Math.ceil(height)}`} role="img" aria-label={label}>
        <g aria-hidden="true">
          {children}
          <rect className="swarm-source" x={WIDTH / 2 - 60} y={SOURCE_Y - 16} width={120} height={32} rx={6} />
          <text className="swarm-name" x={WIDTH / 2} y={SOURCE_Y + 5}>{swarm.source}</text>
        </g>
      </svg>
    </div>
  );
}
