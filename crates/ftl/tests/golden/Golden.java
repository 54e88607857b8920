import freemarker.core.*;
import freemarker.template.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

/**
 * Runs the golden cases of each file on Apache FreeMarker and writes what it answers beside it: NAME.txt makes
 * NAME.expected.jsonl, a line a case, {"id", "output"} or {"id", "error", "line", "column"}.
 * Usage: java -cp ... Golden data.json case-file...
 */
public class Golden {
    static final class Case {
        final String id;
        final String settings;
        final String source;

        Case(String id, String settings, String source) {
            this.id = id;
            this.settings = settings;
            this.source = source;
        }
    }

    public static void main(String[] args) throws Exception {
        String data = new String(Files.readAllBytes(Paths.get(args[0])), StandardCharsets.UTF_8);
        for (String file : Arrays.asList(args).subList(1, args.length)) {
            Path path = Paths.get(file);
            Path answers = path.resolveSibling(path.getFileName().toString().replaceFirst("\\.txt$", ".expected.jsonl"));
            try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(answers, StandardCharsets.UTF_8))) {
                for (Case c : read(path)) {
                    out.print(run(c, data) + "\n");
                }
            }
        }
    }

    static List<Case> read(Path path) throws IOException {
        List<String> lines = Files.readAllLines(path, StandardCharsets.UTF_8);
        return lines.get(0).startsWith("=== ") ? blocks(lines) : lines(lines);
    }

    /**
     * A block is a line "=== id" and the lines up to the next one; the last line break isn't part of it. Settings may
     * follow the id, as a JSON object.
     */
    static List<Case> blocks(List<String> lines) {
        List<Case> cases = new ArrayList<>();
        String header = null;
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            if (line.startsWith("=== ")) {
                addBlock(cases, header, text);
                header = line.substring(4);
            } else {
                text.append(line).append('\n');
            }
        }
        addBlock(cases, header, text);
        return cases;
    }

    static void addBlock(List<Case> cases, String header, StringBuilder text) {
        if (header != null) {
            int brace = header.indexOf(" {");
            String id = brace < 0 ? header : header.substring(0, brace);
            String settings = brace < 0 ? "{}" : header.substring(brace + 1);
            cases.add(new Case(id, settings, text.substring(0, Math.max(0, text.length() - 1))));
        }
        text.setLength(0);
    }

    /**
     * Every line that isn't empty and doesn't start with "## " is a template and its own id. Settings may follow
     * "## ", as a JSON object, and hold up to the next such line.
     */
    static List<Case> lines(List<String> lines) {
        List<Case> cases = new ArrayList<>();
        String settings = "{}";
        for (String line : lines) {
            if (line.startsWith("## ")) {
                settings = line.startsWith("## {") ? line.substring(3) : "{}";
            } else if (!line.isEmpty()) {
                cases.add(new Case(settings.equals("{}") ? line : settings + " " + line, settings, line));
            }
        }
        return cases;
    }

    static Configuration configuration() throws TemplateException {
        Configuration cfg = new Configuration(Configuration.VERSION_2_3_31);
        cfg.setLocale(Locale.US);
        cfg.setTimeZone(TimeZone.getTimeZone("UTC"));
        cfg.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
        cfg.setLogTemplateExceptions(false);
        cfg.setAttemptExceptionReporter((e, env) -> { });
        return cfg;
    }

    /** JSON, read by FreeMarker itself. */
    static TemplateModel parse(String json) throws Exception {
        Template loader = new Template("data", "<#assign parsed = json?eval_json>", configuration());
        Environment env = loader.createProcessingEnvironment(
            Collections.singletonMap("json", json), new StringWriter());
        env.process();
        return env.getVariable("parsed");
    }

    static void change(Configuration cfg, TemplateHashModelEx2 settings) throws Exception {
        TemplateHashModelEx2.KeyValuePairIterator pairs = settings.keyValuePairIterator();
        while (pairs.hasNext()) {
            TemplateHashModelEx2.KeyValuePair pair = pairs.next();
            cfg.setSetting(((TemplateScalarModel) pair.getKey()).getAsString(),
                ((TemplateScalarModel) pair.getValue()).getAsString());
        }
    }

    static String run(Case c, String data) {
        try {
            Configuration cfg = configuration();
            change(cfg, (TemplateHashModelEx2) parse(c.settings));
            StringWriter out = new StringWriter();
            Template template = new Template("test", c.source, cfg);
            template.createProcessingEnvironment(parse(data), out).process();
            return "{\"id\":" + json(c.id) + ",\"output\":" + json(out.toString()) + "}";
        } catch (ParseException e) {
            return failure(c.id, e.getEditorMessage(), e.getLineNumber(), e.getColumnNumber());
        } catch (TemplateException e) {
            return failure(c.id, e.getMessageWithoutStackTop(), e.getLineNumber(), e.getColumnNumber());
        } catch (Exception e) {
            return failure(c.id, e.toString(), null, null);
        }
    }

    static String failure(String id, String message, Integer line, Integer column) {
        return "{\"id\":" + json(id) + ",\"error\":" + json(String.valueOf(message))
            + ",\"line\":" + line + ",\"column\":" + column + "}";
    }

    static String json(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            switch (c) {
                case '"': b.append("\\\""); break;
                case '\\': b.append("\\\\"); break;
                case '\n': b.append("\\n"); break;
                case '\r': b.append("\\r"); break;
                case '\t': b.append("\\t"); break;
                default:
                    if (c < 0x20) b.append(String.format("\\u%04x", (int) c));
                    else b.append(c);
            }
        }
        return b.append('"').toString();
    }
}
