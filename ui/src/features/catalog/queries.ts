import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Tile = Schemas["TileView"];
export type Destination = Schemas["DestinationView"];
export type Category = Schemas["CatalogCategory"];

export const CATEGORIES: Record<Category, string> = {
  analytics: "Analytics",
  advertising: "Advertising",
  attribution: "Attribution",
  automation: "Automation",
  customer_data: "Customer data",
  customer_support: "Customer support",
  messaging: "Messaging",
  sales: "Sales",
  storage: "Storage",
  other: "Other",
};

export function isCategory(name: string | undefined): name is Category {
  return name !== undefined && name in CATEGORIES;
}

export function catalogQuery(organisation: string, text?: string, category?: Category) {
  return infiniteQueryOptions({
    queryKey: ["catalog", organisation, text ?? "", category ?? ""],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/organisations/{organisation}/catalog", {
          params: { path: { organisation }, query: { limit: 60, text, category, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** A destination with all that its set-up needs. */
export function destinationQuery(organisation: string, definition: string) {
  return queryOptions({
    queryKey: ["destination", organisation, definition],
    queryFn: () =>
      take(
        api.GET("/api/v1/organisations/{organisation}/catalog/{definition}", {
          params: { path: { organisation, definition } },
        }),
      ),
    staleTime: 30_000,
  });
}
