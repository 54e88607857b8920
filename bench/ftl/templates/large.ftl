<#function reduced price percent>
  <#return price * (100 - percent) / 100>
</#function>
<#macro row item position>
  <tr>
    <td>${position}</td>
    <td>${item.name?cap_first}</td>
    <td>${item.price?string(",##0.00")}</td>
    <td>${reduced(item.price, item.discount)?string("0.0#")}</td>
    <td><#if item.stock gt 0>${item.stock} left<#else>sold out</#if></td>
  </tr>
</#macro>
<h1>Picked for ${input.user_id}</h1>
<#list parameters.sections as section>
<h2>${section?counter}. ${section.title?upper_case}</h2>
<table>
  <#list section.items?sort_by("price") as item>
  <@row item=item position=item?counter/>
  </#list>
</table>
<p>${section.items?map(item -> item.sku)?join(", ")}</p>
</#list>
