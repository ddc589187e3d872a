import { Button, Group, Slider, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { formatMs } from "../../core/for_people.ts";
import { every } from "../browser/clock.ts";
import { useText } from "../text/use_text.tsx";

const STEPS = 200;
const FRAME_MS = 100;
/** A replay takes so long, however long the swarm took. */
const REPLAY_MS = 10_000;

/** Chooses the moment that is shown; `atMs` undefined is now. */
export function Replay(
  { lengthMs, atMs, onAt }: {
    readonly lengthMs: number;
    readonly atMs: number | undefined;
    readonly onAt: (atMs: number | undefined) => void;
  },
) {
  const { swarm } = useText();
  const [isPlaying, setPlaying] = useState(false);
  const shownMs = Math.min(atMs ?? lengthMs, lengthMs);
  const set = (ms: number) => onAt(ms >= lengthMs ? undefined : ms);
  useEffect(() => {
    if (!isPlaying) return;
    if (atMs === undefined) return setPlaying(false);
    return every(FRAME_MS, () => set(atMs + lengthMs * FRAME_MS / REPLAY_MS));
  });
  const play = () => {
    if (!isPlaying && atMs === undefined) onAt(0);
    setPlaying(!isPlaying);
  };
  return (
    <div className="replay">
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={play}>{isPlaying ? swarm.pause : swarm.play}</Button>
        <Button size="xs" variant="default" disabled={atMs === undefined} onClick={() => onAt(undefined)}>
          {swarm.toEnd}
        </Button>
        <Text size="sm">{swarm.moment(formatMs(shownMs), formatMs(lengthMs))}</Text>
      </Group>
      <Slider
        mt="xs"
        thumbLabel={swarm.time}
        label={null}
        min={0}
        max={Math.max(1, lengthMs)}
        step={Math.max(1, Math.round(lengthMs / STEPS))}
        value={shownMs}
        onChange={(ms) => {
          setPlaying(false);
          set(ms);
        }}
      />
    </div>
  );
}
