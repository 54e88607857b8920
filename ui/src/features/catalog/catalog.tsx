import { Badge, Button, Group, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconLayoutGrid, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { Absent } from "@/components/absent";
import { Logo } from "@/components/logo";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { projectQuery } from "@/features/shell/projects";
import { CATEGORIES, catalogQuery, type Category, isCategory, type Tile } from "./queries";
import classes from "./catalog.module.css";

const route = getRouteApi("/shell/p/$project/catalog");

/** All destinations that a project can be connected to. */
export function CatalogPage() {
  const { project } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { organisation } = useSuspenseQuery(projectQuery(project)).data;
  const category = isCategory(search.category) ? search.category : undefined;
  const tiles = useInfiniteQuery({
    ...catalogQuery(organisation, search.q, category),
    placeholderData: keepPreviousData,
  });
  const [text, setText] = useState(search.q ?? "");
  const seek = useDebouncedCallback((q: string) => {
    void navigate({ search: (before) => ({ ...before, q: q === "" ? undefined : q }), replace: true });
  }, 250);
  const found = tiles.data?.pages.flatMap((page) => page.items) ?? [];
  // Categories that have nothing are no choice; how that is known while all of it fits on a page.
  const all = useInfiniteQuery(catalogQuery(organisation));
  const filled = new Set(all.data?.pages.flatMap((page) => page.items.map((tile) => tile.category)) ?? []);
  const offered = (Object.keys(CATEGORIES) as Category[]).filter(
    (each) => each === category || filled.has(each) || all.hasNextPage,
  );
  const narrowed = search.q !== undefined || category !== undefined;

  return (
    <Page title="Catalog" about="Choose where events go. Each destination becomes a sync that you set up and enable.">
      <TextInput
        aria-label="Search destinations"
        placeholder="Search destinations"
        leftSection={<IconSearch size={16} />}
        maw={360}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          seek(event.currentTarget.value);
        }}
      />
      <div className={classes.categories} role="group" aria-label="Category">
        <Choice label="All" chosen={category === undefined} onChoose={() => void navigate({ search: { q: search.q } })} />
        {offered.map((each) => (
          <Choice
            key={each}
            label={CATEGORIES[each]}
            chosen={category === each}
            onChoose={() => void navigate({ search: { q: search.q, category: each } })}
          />
        ))}
      </div>
      {tiles.data === undefined && <Absent query={tiles} failed="The catalog can't be shown" rows={3} height={110} />}
      {tiles.data !== undefined && found.length === 0 && (
        <Empty
          icon={<IconLayoutGrid size={22} />}
          title="No destination matches"
          action={
            narrowed ? (
              <Button
                variant="default"
                onClick={() => {
                  setText("");
                  void navigate({ search: {} });
                }}
              >
                Show all
              </Button>
            ) : undefined
          }
        >
          Webhook sends to any HTTP endpoint, also to tools that are not in the catalog yet.
        </Empty>
      )}
      <ul className={classes.tiles}>
        {found.map((tile) => (
          <li key={tile.definition}>
            <TileCard tile={tile} project={project} />
          </li>
        ))}
      </ul>
      {tiles.hasNextPage && (
        <Group justify="center" mt="lg">
          <Button variant="default" loading={tiles.isFetchingNextPage} onClick={() => void tiles.fetchNextPage()}>
            Show more
          </Button>
        </Group>
      )}
    </Page>
  );
}

function Choice({ label, chosen, onChoose }: { label: string; chosen: boolean; onChoose: () => void }) {
  return (
    <button type="button" className={classes.category} aria-pressed={chosen} onClick={onChoose}>
      {label}
    </button>
  );
}

function TileCard({ tile, project }: { tile: Tile; project: string }) {
  return (
    <Link
      to="/p/$project/catalog/$definition"
      params={{ project, definition: tile.definition }}
      className={classes.tile}
    >
      <Logo name={tile.display_name} logo={tile.logo} size={44} />
      <span className={classes.words}>
        <span className={classes.name}>{tile.display_name}</span>
        <span className={classes.summary}>{tile.summary}</span>
        <span className={classes.marks}>
          <Badge color="gray" size="sm">
            {CATEGORIES[tile.category]}
          </Badge>
          {!tile.approved && (
            <Badge color="blue" size="sm">
              Only your organisation
            </Badge>
          )}
          {tile.listing === "deprecated" && (
            <Badge color="yellow" size="sm">
              Deprecated
            </Badge>
          )}
        </span>
      </span>
    </Link>
  );
}
