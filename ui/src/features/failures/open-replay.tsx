import { modals } from "@mantine/modals";
import { useNavigate } from "@tanstack/react-router";
import type { Replay } from "./queries";
import { ReplayForm } from "./replay-form";

/** Asks what is to be sent again, and what that would be. */
export function useReplayDialog(of: { project: string; sync: string }): (begin: NonNullable<Replay["failed"]>) => void {
  const navigate = useNavigate();
  return (begin) => {
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
          // Dialogs stand beside the pages: links don't lead from there.
          onFix={() => {
            modals.closeAll();
            void navigate({ to: "/p/$project/syncs/$sync/settings", params: of });
          }}
        />
      ),
    });
  };
}
