import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "public", "src/api/schema.d.ts", "screenshots"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  hooks.configs.flat.recommended,
  {
    rules: {
      "no-console": "error",
      // The API leaves a field out or says null: both are nothing.
      eqeqeq: ["error", "always", { null: "ignore" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      // React refuses it at run time; here it would only be found by looking.
      "no-restricted-properties": ["error", { property: "dangerouslySetInnerHTML" }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text of others is shown as text.",
        },
        {
          selector:
            "IfStatement > MemberExpression[property.name='isError'], IfStatement > LogicalExpression[operator='||'] > MemberExpression[property.name='isError']",
          message: "What is there stays when asking for it again fails: ask whether there is data, and show <Absent> where there is none.",
        },
      ],
    },
  },
  {
    // The one place for HTML, which the server wrote of elements that it knows.
    files: ["src/components/prose.tsx"],
    rules: { "no-restricted-syntax": "off" },
  },
);
