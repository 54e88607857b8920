import { Modal, Text } from "@mantine/core";
import { IconArchive, IconClockPlay, IconRepeat } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { ButtonLink } from "@/components/links";
import { Empty } from "@/components/states";
import { useMay } from "@/features/access/me";
import { replaysQuery } from "@/features/failures/queries";
import { ReplayForm } from "@/features/failures/replay-form";
import { Replays } from "@/features/failures/replays";
import { projectQuery } from "@/features/shell/projects";
import { statusQuery, type Sync, syncQuery } from "@/features/syncs/queries";
import { ImportForm } from "./import-form";
import { PastForm } from "./past-form";
import classes from "./again.module.css";

const route = getRouteApi("/shell/p/$project/syncs/$sync/again");

/** What can be sent again. */
export type Sends = "failed" | "events" | "archive";

const WAYS: { id: Sends; title: string; about: string; action: string; icon: typeof IconRepeat }[] = [
  {
    id: "failed",
    title: "Failed deliveries",
    about: "Deliveries that expired or whose request could not be built, under their original ids.",
    action: "Choose failures…",
    icon: IconRepeat,
  },
  {
    id: "events",
    title: "Past events",
    about: "Events that this project received earlier, such as before this sync was created.",
    action: "Choose events…",
    icon: IconClockPlay,
  },
  {
    id: "archive",
    title: "Archive",
    about: "Files from Amplitude's Export API: years of events, for this sync alone.",
    action: "Import an archive…",
    icon: IconArchive,
  },
];

const TITLES: Record<Sends, string> = {
  failed: "Replay failed deliveries",
  events: "Backfill past events",
  archive: "Import an archive",
};

/** Sending again: failed deliveries, past events, archives; with how far each is. */
export function AgainPage() {
  const { project, sync: id } = route.useParams();
  const { send } = route.useSearch();
  const navigate = route.useNavigate();
  const { organisation, name } = useSuspenseQuery(projectQuery(project)).data;
  const sync = useSuspenseQuery(syncQuery(project, id)).data;
  const may = useMay(organisation, "syncs:write");
  const looks = useMay(organisation, "deliveries:read");
  const of = { project, sync: id };
  const replays = useInfiniteQuery({ ...replaysQuery(of), enabled: looks });
  const [busy, setBusy] = useState(false);
  const close = () => {
    void navigate({ search: {}, replace: true });
  };
  if (!looks) {
    return <Empty title="Your role can't see deliveries">Ask an admin of your organisation for a role that can.</Empty>;
  }
  return (
    <div>
      {may && <Ways sync={sync} />}
      <Replays of={of} query={replays} may={may} />
      <Modal
        opened={send !== undefined && may}
        onClose={close}
        size="xl"
        title={send === undefined ? "" : TITLES[send]}
        // While files are read, leaving is said with the button that stops.
        closeOnClickOutside={!busy}
        closeOnEscape={!busy}
        withCloseButton={!busy}
      >
        {send === "failed" && <ReplayForm {...of} begin={{}} onDone={close} onFix={() => void navigate({ to: "/p/$project/syncs/$sync/settings", params: of })} />}
        {send === "events" && <PastForm sync={sync} onDone={close} />}
        {send === "archive" && <ImportForm sync={sync} project={name} onBusy={setBusy} onDone={close} />}
      </Modal>
    </div>
  );
}

function Ways({ sync }: { sync: Sync }) {
  const status = useQuery(statusQuery(sync.project, sync.id)).data;
  return (
    <ul className={classes.ways} aria-label="What can be replayed">
      {WAYS.map(({ id, title, about, action, icon: Picture }) => (
        <li key={id} className={classes.way}>
          <Text fw={600} className={classes.title}>
            <Picture size={17} stroke={1.6} aria-hidden /> {title}
          </Text>
          <Text size="sm" c="dimmed" className={classes.about}>
            {about}
            {id === "failed" && status !== undefined && ` ${status.ended === 0 ? "None is kept" : `${String(status.ended)} kept`} at present.`}
          </Text>
          <ButtonLink
            variant="default"
            to="/p/$project/syncs/$sync/again"
            params={{ project: sync.project, sync: sync.id }}
            search={{ send: id }}
            replace
          >
            {action}
          </ButtonLink>
        </li>
      ))}
    </ul>
  );
}
