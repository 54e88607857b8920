<#ftl output_format="HTML">
<#-- A letter as HTML; letter.txt.ftl is its twin, made from the same data. Mail clients know tables and
     inline styles; what the style element says, some of them ignore. -->
<#assign font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; }
  @media (prefers-color-scheme: dark) {
    .page { background: #14171a !important; }
    .sheet { background: #1e2226 !important; border-color: #2f353b !important; }
    .text, .title { color: #e6e8ea !important; }
    .note, .note a { color: #9aa3ab !important; }
    .rule { border-color: #2f353b !important; }
    .button { background: #7fb2ff !important; }
    .button a { color: #0d1a2b !important; }
  }
  @media (max-width: 480px) {
    .sheet { padding: 24px 20px !important; }
  }
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f4f5f6;">
<div style="display:none;max-height:0;overflow:hidden;">${paragraphs[0]}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f4f5f6;">
<tr><td align="center" style="padding:32px 12px;">
  <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;">
  <tr><td class="sheet" style="padding:36px 40px;background:#ffffff;border:1px solid #e3e6e8;border-radius:8px;">
    <h1 class="title" style="margin:0 0 20px;${font?no_esc}font-size:20px;line-height:28px;font-weight:600;color:#1b1f23;">${title}</h1>
    <#list paragraphs as paragraph>
    <p class="text" style="margin:0 0 16px;${font?no_esc}font-size:15px;line-height:24px;color:#1b1f23;word-break:break-word;">${paragraph}</p>
    </#list>
    <#if button??>
    <table role="presentation" cellpadding="0" cellspacing="0" style="margin:24px 0;">
    <tr><td class="button" style="background:#1a5fd0;border-radius:6px;">
      <a href="${button.link}" style="display:inline-block;padding:11px 22px;${font?no_esc}font-size:15px;line-height:22px;font-weight:600;color:#ffffff;text-decoration:none;">${button.label}</a>
    </td></tr>
    </table>
    <p class="note" style="margin:0 0 16px;${font?no_esc}font-size:13px;line-height:20px;color:#66707a;">If the button does nothing, open this address:<br><a class="note" href="${button.link}" style="color:#66707a;word-break:break-all;">${button.link}</a></p>
    </#if>
    <#if notes?has_content>
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0">
    <tr><td class="rule" style="padding-top:16px;border-top:1px solid #e3e6e8;">
      <#list notes as note>
      <p class="note" style="margin:0 0 8px;${font?no_esc}font-size:13px;line-height:20px;color:#66707a;">${note}</p>
      </#list>
    </td></tr>
    </table>
    </#if>
  </td></tr>
  <tr><td class="note" align="center" style="padding:16px 12px;${font?no_esc}font-size:12px;line-height:18px;color:#66707a;">${sender}</td></tr>
  </table>
</td></tr>
</table>
</body>
</html>
