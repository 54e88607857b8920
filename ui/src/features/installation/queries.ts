import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** What the configuration says, for operators. */
export const installationQuery = queryOptions({
  queryKey: ["installation"],
  queryFn: () => take(api.GET("/api/v1/installation")),
  staleTime: 60_000,
});
