<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils']>
{
  "role": "user",
  <#if mappedFields.email??>
  "email": ${Json.toJsonString(mappedFields.email)},
  <#else>
  "external_id": ${Json.toJsonString(mappedFields.user_id!'')},
  </#if>
  "custom_attributes": {
    <#list mappedProperties as name, value>
    ${Json.toJsonString(name)}: <#if value?is_enumerable || value?is_hash>${Json.toJsonString(value)}<#else>${Json.toJson(value)}</#if><#sep>,</#sep>
    </#list>
  }
}
