import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** Where one can sign in besides, and whether links come by mail. */
export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: () => take(api.GET("/api/v1/session/openid")),
  staleTime: Infinity,
});

/** Whether a mail server brings letters; undefined until that is known. */
export function useSendsMail(): boolean | undefined {
  return useQuery(providersQuery).data?.sends_mail;
}
