import { Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Mark } from "@/components/mark";
import classes from "./card.module.css";

/** The frame of what is shown to those who aren't signed in. */
export function AccessCard({
  title,
  about,
  children,
}: {
  title: string;
  about?: ReactNode;
  children: ReactNode;
}) {
  useDocumentTitle(`${title} · Millstream`);
  return (
    <main className={classes.page}>
      <Stack className={classes.card} gap="lg">
        <div className={classes.brand}>
          <Mark size={26} />
          <span>Millstream</span>
        </div>
        <div>
          <Title order={1}>{title}</Title>
          {about !== undefined && (
            <Text c="dimmed" mt={4} component="div">
              {about}
            </Text>
          )}
        </div>
        {children}
      </Stack>
      <Stream />
    </main>
  );
}

/** A quiet picture of what the product does: one stream that becomes many. */
function Stream() {
  const lines = [40, 120, 200, 280, 360, 440, 520];
  return (
    <div className={classes.picture} aria-hidden="true">
      <svg viewBox="0 0 600 560" preserveAspectRatio="xMidYMid slice" fill="none">
        {lines.map((y, index) => (
          <g key={y}>
            <path
              d={`M0 280 C 200 280, 180 ${String(y)}, 420 ${String(y)} S 560 ${String(y)}, 600 ${String(y)}`}
              stroke="var(--ms-accent)"
              strokeWidth={index === 3 ? 2 : 1.25}
              opacity={0.2 + 0.1 * (3 - Math.abs(index - 3))}
            />
            {[470, 520 + (index % 3) * 18].map((x) => (
              <circle key={x} cx={x} cy={y} r="3.5" fill="var(--ms-accent)" opacity="0.55" />
            ))}
          </g>
        ))}
        {[40, 90, 140].map((x) => (
          <circle key={x} cx={x} cy={280} r="4.5" fill="var(--ms-accent)" />
        ))}
      </svg>
    </div>
  );
}
