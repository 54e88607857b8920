import { modals } from "@mantine/modals";
import type { Replay } from "./queries";
import { ReplayForm } from "./replay-form";

/** Asks what is to be sent again, and what that would be. */
export function openReplay(of: { project: string; sync: string }, begin: NonNullable<Replay["failed"]>): void {
  modals.open({
    title: "Replay failed deliveries",
    size: "xl",
    children: (
      <ReplayForm
        {...of}
        begin={begin}
        onDone={() => {
          modals.closeAll();
        }}
      />
    ),
  });
}
