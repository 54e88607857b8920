import { useInfiniteQuery } from "@tanstack/react-query";
import { Logo } from "@/components/logo";
import { catalogQuery } from "@/features/catalog/queries";
import { useOrganisationOf } from "@/features/shell/projects";
import type { Sync } from "./queries";

/** The picture of the destination that a sync goes to, as the catalog's first tiles have it, or else its initials. */
export function SyncLogo({ sync, size }: { sync: Sync; size: number }) {
  const organisation = useOrganisationOf(sync.project);
  const tiles = useInfiniteQuery({
    ...catalogQuery(organisation ?? ""),
    enabled: organisation !== undefined,
    staleTime: 300_000,
  });
  const tile = tiles.data?.pages.flatMap((page) => page.items).find(({ definition }) => definition === sync.definition.id);
  return <Logo name={sync.definition.name} logo={tile?.logo ?? null} size={size} />;
}
