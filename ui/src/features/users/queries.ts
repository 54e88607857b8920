import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

/** A user, and the JSON of their properties. */
export type User = Schemas["UserView"] & { properties_text: string };

/** By what a user is known: one of these is given. */
export interface Whom {
  user?: string | undefined;
  device?: string | undefined;
}

/** What a project knows of a user after their last event. */
export function userQuery(project: string, { user, device }: Whom) {
  return queryOptions({
    queryKey: ["user", project, user ?? null, device ?? null],
    queryFn: () =>
      take(
        api.GET("/api/v1/projects/{project}/user", {
          params: { path: { project }, query: user === undefined ? { device_id: device } : { user_id: user } },
        }),
      ) as Promise<User>,
    enabled: user !== undefined || device !== undefined,
    refetchInterval: 15_000,
  });
}
