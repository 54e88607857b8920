<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils']>
{
  "external_id": ${Json.toJson(mappedFields.external_id)},
  "attributes": ${Json.toJson(mappedProperties)}
}
