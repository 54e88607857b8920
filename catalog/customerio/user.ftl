<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils'] who = mappedFields.Identifier!''>
<#if !who?is_string><#assign who = Json.toJson(who)></#if>
{
  "type": "person",
  <#if who?starts_with('cio_')>
  "identifiers": {"cio_id": ${Json.toJsonString(who)}},
  <#elseif who?contains('@')>
  "identifiers": {"email": ${Json.toJsonString(who)}},
  <#else>
  "identifiers": {"id": ${Json.toJsonString(who)}},
  </#if>
  "action": "identify",
  "attributes": ${Json.toJson(mappedProperties)}
}
