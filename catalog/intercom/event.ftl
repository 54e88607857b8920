<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils']>
{
  "event_name": ${Json.toJsonString(input.event_type!'')},
  <#if input.event_time?? && input.event_time?string?matches('\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d.*')>
  "created_at": ${(input.event_time?string?substring(0, 19)?datetime('yyyy-MM-dd HH:mm:ss')?long / 1000)?floor?c},
  <#else>
  "created_at": ${(.now?long / 1000)?floor?c},
  </#if>
  <#if mappedFields.email??>
  "email": ${Json.toJsonString(mappedFields.email)},
  <#else>
  "user_id": ${Json.toJsonString(mappedFields.user_id!'')},
  </#if>
  "metadata": {
    <#-- No nested JSON: lists and objects go as text. -->
    <#list mappedProperties as name, value>
    ${Json.toJsonString(name)}: <#if value?is_enumerable || value?is_hash>${Json.toJsonString(value)}<#else>${Json.toJson(value)}</#if><#sep>,</#sep>
    </#list>
  }
}
