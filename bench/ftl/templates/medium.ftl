<#assign time = input.event_time?datetime("yyyy-MM-dd HH:mm:ss.SSS")>
{
  "id": "${(input.user_id!input.device_id)?json_string}",
  "event": "${input.event_type?json_string}",
  "timestamp": ${time?long?c},
  "day": "${time?string("dd.MM.yyyy, HH:mm")}",
  <#if input.event_properties.price?? && input.event_properties.price gt 100>
  "high_value": true,
  "total": ${(input.event_properties.price * input.event_properties.quantity)?string("0.00")},
  </#if>
  "user": {
  <#list input.user_properties as key, value>
    "${key?json_string}": <#if value?is_string>"${value?json_string}"<#else>${value?c}</#if><#sep>,</#sep>
  </#list>
  },
  "mapped": {
  <#list mappedProperties as key, value>
    "${key?json_string}": "${value?json_string}"<#sep>,</#sep>
  </#list>
  },
  "external_id": "${mappedFields.external_id!""}",
  "email": "${(mappedFields.email!"")?lower_case}"
}
