import {
  ActionIcon,
  Alert,
  Anchor,
  Autocomplete,
  Badge,
  Button,
  Checkbox,
  createTheme,
  Drawer,
  Menu,
  Modal,
  type MantineColorsTuple,
  MultiSelect,
  Notification,
  PasswordInput,
  Radio,
  SegmentedControl,
  Select,
  Switch,
  Table,
  Tabs,
  TagsInput,
  Textarea,
  TextInput,
  Tooltip,
} from "@mantine/core";

/** Deep water: the one accent. */
const water: MantineColorsTuple = [
  "#eaf6f6",
  "#d5eaea",
  "#a9d5d6",
  "#79bfc1",
  "#52adaf",
  "#2f9396",
  "#1a8286",
  "#0c7175",
  "#0a6266",
  "#064d50",
];

const slate: MantineColorsTuple = [
  "#f7f8f9",
  "#f0f2f4",
  "#e4e8eb",
  "#d5dade",
  "#b4bcc3",
  "#8a949d",
  "#66707a",
  "#4a535c",
  "#2c343b",
  "#171d22",
];

const night: MantineColorsTuple = [
  "#dfe4e8",
  "#b9c1c8",
  "#9aa4ad",
  "#66717b",
  "#3a434b",
  "#2a3239",
  "#20272d",
  "#171c21",
  "#11161a",
  "#0c1013",
];

/** What warns: dark enough for white words on it. */
const red: MantineColorsTuple = [
  "#fdf0f0",
  "#f9dedd",
  "#f2bcba",
  "#ea9794",
  "#e27873",
  "#d65550",
  "#c83d3a",
  "#b42a2a",
  "#962122",
  "#79191b",
];

/** What is well, and what is to be looked at: their last shades are words on a tint of their own. */
const green: MantineColorsTuple = [
  "#eaf7ef",
  "#d3efde",
  "#a6dfbd",
  "#76cd99",
  "#4fbd7b",
  "#2fa862",
  "#228f51",
  "#1d7a46",
  "#186339",
  "#124d2c",
];
const yellow: MantineColorsTuple = [
  "#fdf6e7",
  "#faebcb",
  "#f4d796",
  "#edc15c",
  "#e0ab4f",
  "#c98a1d",
  "#a96f08",
  "#8f5a00",
  "#744900",
  "#5a3900",
];

/**
 * A long list scrolls by itself: in an area of its own within, which keys can't reach, it would be one that only the
 * pointer scrolls, as far as those know who are told of it.
 */
const LIST = { withScrollArea: false, styles: { options: { maxHeight: 240, overflowY: "auto" } } } as const;

export const theme = createTheme({
  primaryColor: "water",
  primaryShade: { light: 7, dark: 7 },
  colors: { water, red, green, yellow, gray: slate, dark: night },
  black: "#171d22",
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.4" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  radius: { xs: "4px", sm: "6px", md: "6px", lg: "8px", xl: "12px" },
  defaultRadius: "sm",
  headings: {
    fontFamily: "'Inter Variable', system-ui, sans-serif",
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "22px", lineHeight: "1.3" },
      h2: { fontSize: "16px", lineHeight: "1.4" },
      h3: { fontSize: "14px", lineHeight: "1.45" },
    },
  },
  shadows: {
    xs: "none",
    sm: "0 1px 2px rgb(12 16 19 / 6%)",
    md: "0 4px 16px rgb(12 16 19 / 10%)",
    lg: "0 8px 28px rgb(12 16 19 / 14%)",
    xl: "0 12px 40px rgb(12 16 19 / 18%)",
  },
  respectReducedMotion: true,
  focusRing: "auto",
  cursorType: "pointer",
  components: {
    Button: Button.extend({ defaultProps: { size: "sm" } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: "lg" } }),
    TextInput: TextInput.extend({ defaultProps: { size: "sm" } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: "sm" } }),
    Textarea: Textarea.extend({ defaultProps: { size: "sm", autosize: true, minRows: 2 } }),
    Select: Select.extend({
      defaultProps: { size: "sm", comboboxProps: { shadow: "md" }, allowDeselect: false, ...LIST },
    }),
    MultiSelect: MultiSelect.extend({ defaultProps: LIST }),
    Autocomplete: Autocomplete.extend({ defaultProps: LIST }),
    TagsInput: TagsInput.extend({ defaultProps: LIST }),
    Checkbox: Checkbox.extend({ defaultProps: { size: "xs" } }),
    Radio: Radio.extend({ defaultProps: { size: "xs" } }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { withItemsBorders: false } }),
    Switch: Switch.extend({ defaultProps: { size: "sm", withThumbIndicator: false } }),
    Tabs: Tabs.extend({ defaultProps: { keepMounted: false } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 10, horizontalSpacing: 12 } }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        transitionProps: { duration: 120 },
        padding: "lg",
        overlayProps: { backgroundOpacity: 0.36 },
        closeButtonProps: { "aria-label": "Close" },
      },
    }),
    Drawer: Drawer.extend({
      defaultProps: { transitionProps: { duration: 120 }, overlayProps: { backgroundOpacity: 0.24 }, closeButtonProps: { "aria-label": "Close" } },
    }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    Menu: Menu.extend({
      // A menu opens on its first item: what would have the focus instead is nothing that a menu may hold.
      defaultProps: { shadow: "md", transitionProps: { duration: 80 }, position: "bottom-end", withInitialFocusPlaceholder: false },
    }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 250, withArrow: false, fz: "xs" } }),
    Badge: Badge.extend({ defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 500 } }),
    Alert: Alert.extend({ defaultProps: { variant: "light" } }),
    Anchor: Anchor.extend({ defaultProps: { underline: "hover" } }),
  },
});
