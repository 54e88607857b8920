<#ftl output_format="plainText">
<#-- A letter as plain text; letter.html.ftl is its twin, made from the same data. -->
${title}

<#list paragraphs as paragraph>
${paragraph}

</#list>
<#if button??>
${button.label}:
${button.link}

</#if>
<#list notes as note>
${note}

</#list>
-- 
${sender}
