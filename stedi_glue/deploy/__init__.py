"""What carries the lake to AWS: artifacts, the Glue job, the CloudFormation stack."""
