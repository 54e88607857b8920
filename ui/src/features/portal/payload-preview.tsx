import { SegmentedControl, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, take, type Schemas } from "@/api/client";
import { useSettled } from "@/components/settled";
import { Failed, LoadingRows } from "@/components/states";
import { RequestView } from "@/features/setup/live-request";
import type { Filled } from "./form-preview";
import type { Definition } from "./queries";
import { isNoUrl } from "./shared";

interface PreviewProps {
  organisation: string;
  definition: Definition;
  /** What is filled in of the set-up beside it; something stands in for the rest. */
  filled: Filled;
}

/** What the templates make of a sample event, as they are written. */
export function PayloadPreview({ organisation, definition, filled }: PreviewProps) {
  const [chosen, setChosen] = useState<Schemas["Part"]>("event");
  const settings = useSettled({ ...filled, users: { send: definition.draft.users != null } }, 350);
  const preview = useQuery({
    queryKey: ["definition-preview", organisation, definition.id, definition.revision, { settings }],
    queryFn: () =>
      take(
        api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/preview", {
          params: { path: { organisation, definition: definition.id } },
          body: { settings },
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const requests = preview.data?.requests ?? [];
  const goesNowhere = (part: Schemas["Part"]) => isNoUrl(definition.draft[part === "event" ? "events" : "users"]?.url ?? "");
  const shown = requests.find((each) => each.part === chosen) ?? requests[0];
  return (
    <>
      {requests.length > 1 && (
        <SegmentedControl
          size="xs"
          fullWidth
          mb="sm"
          aria-label="What is sent"
          value={shown?.part ?? "event"}
          data={[
            { value: "event", label: "Event" },
            { value: "user", label: "User" },
          ]}
          onChange={(value) => {
            setChosen(value === "user" ? "user" : "event");
          }}
        />
      )}
      {preview.isError && <Failed error={preview.error} what="The request can't be shown" again={() => void preview.refetch()} />}
      {preview.isPending && <LoadingRows rows={4} />}
      {shown !== undefined && !preview.isError && shown.request == null && goesNowhere(shown.part) ? (
        <Text size="sm" c="dimmed">
          The request appears here once its URL endpoint says where it is sent.
        </Text>
      ) : (
        shown !== undefined && !preview.isError && <RequestView part={shown} />
      )}
      {requests.length === 0 && preview.isSuccess && (
        <Text size="sm" c="dimmed">
          {preview.data.problems.length > 0
            ? "The request appears here once the problems are fixed."
            : "Neither events nor users are sent yet."}
        </Text>
      )}
    </>
  );
}
