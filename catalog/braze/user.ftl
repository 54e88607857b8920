<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils']>
{
  "attributes": [
    {
      <#if mappedFields.user_alias??>
      "user_alias": {
        "alias_name": ${Json.toJsonString(mappedFields.user_alias)},
        "alias_label": ${Json.toJsonString(parameters.alias_label!'')}
      },
      <#elseif mappedFields.braze_id??>
      "braze_id": ${Json.toJsonString(mappedFields.braze_id)},
      <#elseif mappedFields.email??>
      "email": ${Json.toJsonString(mappedFields.email)},
      <#else>
      "external_id": ${Json.toJsonString(mappedFields.external_id!'')},
      </#if>
      <#list mappedProperties as name, value>
      ${Json.toJsonString(name)}: ${Json.toJson(value)},
      </#list>
      "_update_existing_only": ${parameters.update_only?c}
    }
  ]
}
