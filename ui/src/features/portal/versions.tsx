import { Alert, Badge, Button, Group, Text } from "@mantine/core";
import { IconVersions } from "@tabler/icons-react";
import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Absent } from "@/components/absent";
import { fieldName } from "@/components/field-name";
import { Time } from "@/components/moment";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { Changes } from "@/features/syncs/changes";
import { differences } from "@/features/syncs/difference";
import { type Definition, definitionVersionQuery, definitionVersionsQuery, type ListedVersion, STATES } from "./queries";
import { useSubmission } from "./submission";
import classes from "./editor.module.css";

interface VersionsProps {
  organisation: string;
  definition: Definition;
  may: boolean;
}

/** What was released, how far each version has come, and what reviewers said. */
export function VersionsTab({ organisation, definition, may }: VersionsProps) {
  const versions = useInfiniteQuery(definitionVersionsQuery(organisation, definition.id));
  if (versions.data === undefined) return <Absent query={versions} failed="Versions can't be shown" height={80} />;
  const items = versions.data.pages.flatMap((page) => page.items);
  if (items.length === 0) {
    return (
      <Empty icon={<IconVersions size={22} />} title="Nothing is released yet">
        Release the draft, and your organisation can connect it. Then submit it for review to publish it for everyone.
      </Empty>
    );
  }
  return (
    <div className={classes.form}>
      <div className={classes.fields}>
        {items.map((version, index) => (
          <VersionCard
            key={version.version}
            organisation={organisation}
            version={version}
            former={items[index + 1]}
            may={may}
          />
        ))}
        {versions.hasNextPage && (
          <Button variant="default" loading={versions.isFetchingNextPage} onClick={() => void versions.fetchNextPage()}>
            Show older
          </Button>
        )}
      </div>
    </div>
  );
}

interface CardProps {
  organisation: string;
  version: ListedVersion;
  former: ListedVersion | undefined;
  may: boolean;
}

function VersionCard({ organisation, version, former, may }: CardProps) {
  const [opened, setOpened] = useState(false);
  const { pending, submit, withdraw } = useSubmission(organisation, version.definition, version.version);
  // Comments name fields by what the version calls them.
  const content = useQuery({
    ...definitionVersionQuery(organisation, version.definition, version.version),
    enabled: version.comments.length > 0,
  }).data?.content;
  const { word, colour } = STATES[version.state];
  return (
    <article className={classes.item} aria-label={`Version ${String(version.version)}`}>
      <Group justify="space-between">
        <Group gap={10}>
          <Text fw={600} className="numbers">
            Version {version.version}
          </Text>
          <Badge color={colour}>{word}</Badge>
        </Group>
        <Group gap={8}>
          {former !== undefined && (
            <Button
              variant="subtle"
              color="gray"
              size="xs"
              aria-expanded={opened}
              onClick={() => {
                setOpened(!opened);
              }}
            >
              {opened ? "Hide differences" : `What differs from version ${String(former.version)}`}
            </Button>
          )}
          {may && version.state === "internal" && (
            <Button
              size="xs"
              variant="default"
              loading={pending}
              onClick={submit}
            >
              Submit
            </Button>
          )}
          {may && version.state === "submitted" && (
            <Button
              size="xs"
              variant="default"
              loading={pending}
              onClick={withdraw}
            >
              Withdraw
            </Button>
          )}
        </Group>
      </Group>
      <Text size="sm" c="dimmed">
        Released by {version.released_by} <Time at={version.released_at} />
        {version.decided_by != null && version.decided_at != null && (
          <>
            {" "}
            · decided by {version.decided_by} <Time at={version.decided_at} />
          </>
        )}
      </Text>
      {(version.note !== "" || version.comments.length > 0) && (
        <Alert color={colour} mt="sm" title="The reviewer said">
          {version.note !== "" && <Text size="sm">{version.note}</Text>}
          {version.comments.map((comment) => (
            <Text size="sm" key={comment.pointer + comment.comment}>
              <b>{fieldName(comment.pointer, content)}</b>: {comment.comment}
            </Text>
          ))}
        </Alert>
      )}
      {opened && former !== undefined && (
        <Difference
          organisation={organisation}
          definition={version.definition}
          from={former.version}
          to={version.version}
        />
      )}
    </article>
  );
}

interface DifferenceProps {
  organisation: string;
  definition: string;
  from: number;
  to: number;
}

function Difference({ organisation, definition, from, to }: DifferenceProps) {
  const [former, version] = useQueries({
    queries: [from, to].map((each) => definitionVersionQuery(organisation, definition, each)),
  });
  if (former?.data !== undefined && version?.data !== undefined) {
    return <Changes changes={differences(former.data.content, version.data.content)} of={version.data.content} />;
  }
  const error = [former, version].find((each) => each !== undefined && each.data === undefined && each.error !== null)?.error;
  if (error == null) return <LoadingRows height={80} />;
  const again = () => {
    void former?.refetch();
    void version?.refetch();
  };
  return <Failed error={error} what="The difference can't be shown" again={again} />;
}
