import { Badge } from "@mantine/core";
import { useReviewed } from "./pins";
import { STATES } from "./queries";

interface ReviewBadgeProps {
  organisation: string;
  definition: Parameters<typeof useReviewed>[1];
  size?: "sm" | "md";
}

/** Says that a version waits for a reviewer, or that one wants it changed. */
export function ReviewBadge({ organisation, definition, size = "md" }: ReviewBadgeProps) {
  const version = useReviewed(organisation, definition);
  if (version === null) return null;
  const { word, colour } = STATES[version.state];
  return (
    <Badge size={size} color={colour}>
      {word}
    </Badge>
  );
}
