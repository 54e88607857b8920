import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const reviewsQuery = infiniteQueryOptions({
  queryKey: ["reviews"],
  queryFn: ({ pageParam }) =>
    take(api.GET("/api/v1/installation/reviews", { params: { query: { limit: 50, cursor: pageParam } } })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next ?? undefined,
});

export function reviewQuery(definition: string, version: number) {
  return queryOptions({
    queryKey: ["review", definition, version],
    queryFn: () =>
      take(
        api.GET("/api/v1/installation/reviews/{definition}/versions/{version}", {
          params: { path: { definition, version } },
        }),
      ),
  });
}
