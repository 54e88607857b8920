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
  "action": "event",
  "name": ${Json.toJsonString(input.event_type!'')},
  <#if input.event_time?? && input.event_time?string?matches('\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d.*')>
  "timestamp": ${(input.event_time?string?substring(0, 19)?datetime('yyyy-MM-dd HH:mm:ss')?long / 1000)?floor?c},
  </#if>
  <#-- Of an event, these would change where a message goes and from whom it comes. -->
  <#assign reserved = ['recipient', 'from_address', 'reply_to'] separator = ''>
  "attributes": {
    <#list mappedProperties as name, value>
    <#if !reserved?seq_contains(name)>
    ${separator}${Json.toJsonString(name)}: ${Json.toJson(value)}
    <#assign separator = ','>
    </#if>
    </#list>
  }
}
