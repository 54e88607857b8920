import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, ProblemError, take } from "@/api/client";

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

/** How many versions before one are looked through for the one that was sent back. */
const LOOKED_BACK = 8;

/** The version that was sent back last before this one, which answers it; null: none was since the last approval. */
export function formerReviewQuery(definition: string, version: number) {
  return queryOptions({
    queryKey: ["review-former", definition, version],
    queryFn: async ({ signal }) => {
      for (let former = version - 1; former >= 1 && former >= version - LOOKED_BACK; former -= 1) {
        const path = { definition, version: former };
        const { submitted } = await take(api.GET("/api/v1/installation/reviews/{definition}/versions/{version}", { params: { path }, signal })).catch(unlessInternal);
        if (submitted?.state === "returned") return submitted;
        if (submitted?.state === "approved") return null;
      }
      return null;
    },
    staleTime: Infinity,
  });
}

/** Reviewers aren't shown what was never submitted. */
function unlessInternal(error: unknown): { submitted: null } {
  if (error instanceof ProblemError && error.code === "not_found") return { submitted: null };
  throw error;
}
