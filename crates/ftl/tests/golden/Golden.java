import freemarker.core.*;
import freemarker.template.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

/**
 * Runs the golden cases on Apache FreeMarker and prints one JSON line a case:
 * {"id", "output"} or {"id", "error", "line", "column"}.
 * Usage: java -cp ... Golden data.json blocks.txt lines.txt
 */
public class Golden {
    public static void main(String[] args) throws Exception {
        String data = new String(Files.readAllBytes(Paths.get(args[0])), StandardCharsets.UTF_8);
        Map<String, String> cases = new LinkedHashMap<>();
        readBlocks(Paths.get(args[1]), cases);
        readLines(Paths.get(args[2]), cases);
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        for (Map.Entry<String, String> c : cases.entrySet()) {
            out.println(run(c.getKey(), c.getValue(), data));
        }
        out.flush();
    }

    /** A block is a line "=== id" and the lines up to the next one; the last line break isn't part of it. */
    static void readBlocks(Path path, Map<String, String> cases) throws IOException {
        String id = null;
        StringBuilder text = new StringBuilder();
        for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
            if (line.startsWith("=== ")) {
                put(cases, id, text);
                id = line.substring(4);
            } else {
                text.append(line).append('\n');
            }
        }
        put(cases, id, text);
    }

    static void put(Map<String, String> cases, String id, StringBuilder text) {
        if (id != null) {
            cases.put(id, text.substring(0, Math.max(0, text.length() - 1)));
        }
        text.setLength(0);
    }

    /** Every line that isn't empty and doesn't start with "## " is a template and its own id. */
    static void readLines(Path path, Map<String, String> cases) throws IOException {
        for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
            if (!line.isEmpty() && !line.startsWith("## ")) {
                cases.put(line, line);
            }
        }
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

    static String run(String id, String source, String data) {
        try {
            Configuration cfg = configuration();
            Template loader = new Template("data", "<#assign parsed = json?eval_json>", cfg);
            Environment dataEnv = loader.createProcessingEnvironment(
                Collections.singletonMap("json", data), new StringWriter());
            dataEnv.process();
            StringWriter out = new StringWriter();
            Template template = new Template("test", source, cfg);
            Environment env = template.createProcessingEnvironment(dataEnv.getVariable("parsed"), out);
            env.process();
            return "{\"id\":" + json(id) + ",\"output\":" + json(out.toString()) + "}";
        } catch (ParseException e) {
            return failure(id, e.getEditorMessage(), e.getLineNumber(), e.getColumnNumber());
        } catch (TemplateException e) {
            return failure(id, e.getMessageWithoutStackTop(), e.getLineNumber(), e.getColumnNumber());
        } catch (Exception e) {
            return failure(id, e.toString(), null, null);
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
